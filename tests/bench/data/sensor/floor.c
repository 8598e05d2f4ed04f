/* The floor: programs that do nothing, on the hook that the sensor uses and on the one that it does not. */
#define SEC(name) __attribute__((section(name), used))
char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sys_exit")
int raw(void *context)
{
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int one_call(void *context)
{
	return 0;
}
