/* What the benchmark of the sensor measures: `work calls|opens|spawns COUNT` prints nanoseconds of CPU for each,
   `work events RATE SECONDS FILE` changes a file's mode so many times a second and prints how often it did. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void one(const char *what)
{
	char *arguments[] = {"true", 0};
	pid_t pid;
	if (!strcmp(what, "calls")) {
		syscall(SYS_getppid);
	} else if (!strcmp(what, "opens")) {
		close(open("/etc/hostname", O_RDONLY));
	} else {
		posix_spawn(&pid, "/bin/true", 0, 0, arguments, 0);
		waitpid(pid, 0, 0);
	}
}

static long events(double rate, double seconds, const char *path)
{
	int file = open(path, O_RDWR | O_CREAT, 0600);
	long begin = now(CLOCK_MONOTONIC), done = 0;
	while (now(CLOCK_MONOTONIC) - begin < seconds * 1e9) {
		long due = (now(CLOCK_MONOTONIC) - begin) * rate / 1e9;
		for (; done < due; done++)
			fchmod(file, done & 1 ? 0700 : 0750);
	}
	return done;
}

int main(int count, char **arguments)
{
	if (count == 5) {
		printf("%ld\n", events(atof(arguments[2]), atof(arguments[3]), arguments[4]));
		return 0;
	}
	long times = atol(arguments[2]), begin = now(CLOCK_PROCESS_CPUTIME_ID);
	for (long each = 0; each < times; each++)
		one(arguments[1]);
	printf("%.2f\n", (double)(now(CLOCK_PROCESS_CPUTIME_ID) - begin) / times);
	return 0;
}
