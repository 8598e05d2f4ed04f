/* Both ends of a socket, as the kernel has them after a call; from the call's argument what the kernel does not keep. */
#pragma once
#include "file.bpf.h"

enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, IPPROTO_TCP = 6, IPPROTO_UDP = 17 };
enum { TCP_ESTABLISHED = 1, TCP_CLOSE = 7, TCP_LISTEN = 10 };
enum { SOCK_BINDADDR_LOCK = 4, SOCK_BINDPORT_LOCK = 8, PORT_OF_CONNECT = -1 };

/* The remote end of a socket that the last call named: by the inode of the socket, whose numbers count up. */
struct peer {
	__u8 address[16];
	__u16 port;
	__u8 zero[6];
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct peer);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peers SEC(".maps");

INLINE struct sock *sock_of_file(struct file *file)
{
	struct inode *inode = READ(file, f_inode);
	if ((READ(inode, i_mode) & S_IFMT) != S_IFSOCK || READ(READ(inode, i_sb), s_magic) != SOCKFS_MAGIC)
		return 0;
	struct socket *socket = READ(file, private_data);
	return socket ? READ(socket, sk) : 0;
}

/* A port that connect(2) chose has a bucket of its own kind; one that was bound, or inherited from who listens, has not
   (net/ipv4/inet_hashtables.c, __inet_hash_connect). Of a datagram socket: whether the program has bound it. */
INLINE __u8 role_of(struct sock *sk, struct endpoints *ends)
{
	if (ends->family != AF_INET && ends->family != AF_INET6)
		return ROLE_NONE;
	if (ends->protocol == IPPROTO_UDP) {
		if (!ends->local_port)
			return ROLE_NONE;
		return READ_BITS(sk, sk_userlocks) & (SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK) ? ROLE_SERVER : ROLE_CLIENT;
	}
	if (ends->protocol != IPPROTO_TCP || ends->state == TCP_CLOSE)
		return ROLE_NONE;
	struct inet_bind_bucket *bucket = READ((struct inet_connection_sock *)sk, icsk_bind_hash);
	if (!bucket)
		return ROLE_NONE;
	return READ(bucket, fastreuse) == PORT_OF_CONNECT ? ROLE_CLIENT : ROLE_SERVER;
}

INLINE void read_endpoints(struct endpoints *ends, struct sock *sk)
{
	ends->family = READ(sk, __sk_common.skc_family);
	ends->type = READ(sk, sk_type);
	ends->protocol = READ(sk, sk_protocol);
	ends->state = READ(sk, __sk_common.skc_state);
	if (ends->family != AF_INET && ends->family != AF_INET6)
		return;
	ends->local_port = READ(sk, __sk_common.skc_num);
	ends->remote_port = __builtin_bswap16(READ(sk, __sk_common.skc_dport));
	if (ends->family == AF_INET) {
		*(__u32 *)ends->local = READ(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)ends->remote = READ(sk, __sk_common.skc_daddr);
	} else if (FIELD_EXISTS(sk->__sk_common.skc_v6_daddr)) {
		bpf_probe_read_kernel(ends->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(ends->remote, 16, &sk->__sk_common.skc_v6_daddr);
	}
	ends->role = role_of(sk, ends);
}

/* The remote end by the address that the call was given, where the socket has none. */
INLINE void read_argument(struct endpoints *ends, __u64 address)
{
	struct {
		__u16 family, port;
		__u32 address;
	} given = {};
	if (!address || ends->remote_port || (ends->family != AF_INET && ends->family != AF_INET6))
		return;
	if (bpf_probe_read_user(&given, sizeof(given), (void *)address) || given.family != ends->family)
		return;
	ends->remote_port = __builtin_bswap16(given.port);
	ends->argument = 1;
	if (ends->family == AF_INET)
		*(__u32 *)ends->remote = given.address;
	else
		bpf_probe_read_user(ends->remote, 16, (void *)(address + 8));
}

/* Whether the remote end is another one than at the last call; it is remembered for the next one. */
INLINE __u8 has_changed(struct endpoints *ends, __u64 inode)
{
	struct peer peer = {.port = ends->remote_port};
	__builtin_memcpy(peer.address, ends->remote, sizeof(peer.address));
	struct peer *known = bpf_map_lookup_elem(&peers, &inode);
	__u64 *before = (void *)known, *now = (void *)&peer;
	if (known && before[0] == now[0] && before[1] == now[1] && known->port == peer.port)
		return 0;
	bpf_map_update_elem(&peers, &inode, &peer, BPF_ANY);
	return 1;
}

/* The path of the unix socket that listens: ours, or the one at the other end. An abstract name begins with a zero. */
INLINE void record_unix_path(struct record *record, struct sock *sk, __u64 argument)
{
	struct unix_sock *ours = (void *)sk, *theirs = (void *)READ(ours, peer);
	struct unix_address *address = theirs ? READ(theirs, addr) : 0;
	if (!address)
		address = READ(ours, addr);
	if (!address) {
		if (argument)
			record_user_string(record, PIECE_ARGUMENT, argument + sizeof(__u16));
		return;
	}
	__u32 used = record->used, size = READ(address, len) - sizeof(__u16);
	if (used >= TEXT || size > sizeof(((struct sockaddr_un *)0)->sun_path))
		return;
	if (bpf_probe_read_kernel(&record->text[used], size, &address->name[0].sun_path))
		return;
	record->event.lengths[PIECE_ARGUMENT] = size;
	record->used = used + size;
}
