"""What a webhook's pod does beside answering: it foresees the end of waivers, notices tampering, drops old records.

Made by `webhook.cluster`, run in the process of the probes: one process a pod, whatever the number of workers.
"""
