/* The load of the reload drills: `storm RATE EVERY FOLDER FILE` makes RATE events a second until SIGTERM.
   Most are looks into a traced child. Each EVERYth is a mark, numbered from 1: a rename to FOLDER/<number>, an open of it
   for reading, and a listen with that backlog. FILE says at the end how many events and marks there were. Then it renames FOLDER/end to and fro
   until it is killed: whoever sees that has had the chance to see all before it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static pid_t traced(void)
{
	pid_t child = fork();
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, 0, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL);
	return child;
}

static void mark(const char *folder, int server, long number)
{
	char from[256], to[256];
	snprintf(from, sizeof(from), "%s/%ld", folder, number - 1);
	snprintf(to, sizeof(to), "%s/%ld", folder, number);
	int file = rename(from, to) ? -1 : open(to, O_RDONLY);
	if (file < 0 || listen(server, number))
		exit(1);
	close(file);
}

static int tell(const char *path, long calls, long marks)
{
	char part[256];
	snprintf(part, sizeof(part), "%s.part", path);
	FILE *made = fopen(part, "w");
	fprintf(made, "%ld %ld\n", calls, marks);
	return fclose(made) || rename(part, path);
}

int main(int count, char **arguments)
{
	if (count != 5)
		return 2;
	double rate = atof(arguments[1]), begin = now();
	long every = atol(arguments[2]), calls = 0, marks = 0;
	pid_t child = traced();
	struct sockaddr somewhere = {.sa_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	char first[256];
	signal(SIGTERM, stop);
	bind(server, &somewhere, sizeof(somewhere.sa_family));
	mkdir(arguments[3], 0755);
	snprintf(first, sizeof(first), "%s/0", arguments[3]);
	close(open(first, O_CREAT | O_WRONLY, 0644));
	while (!stopped) {
		for (long due = (now() - begin) * rate; calls < due; calls++)
			if (calls % every)
				ptrace(PTRACE_PEEKUSER, child, 0, 0);
			else
				mark(arguments[3], server, ++marks), calls += 2;
		nanosleep(&(struct timespec){.tv_nsec = 500000}, 0);
	}
	if (tell(arguments[4], calls, marks))
		return 1;
	char last[256], end[256];
	snprintf(last, sizeof(last), "%s/%ld", arguments[3], marks);
	snprintf(end, sizeof(end), "%s/end", arguments[3]);
	for (int there = 0;; there = !there) {
		rename(there ? end : last, there ? last : end);
		snprintf(last, sizeof(last), "%s/end-too", arguments[3]);
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, 0);
	}
}
