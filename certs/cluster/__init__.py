"""The Kubernetes side: a Secret as store, caBundles as publication, a Lease. Loaded by `--secret` and `run` alone."""
