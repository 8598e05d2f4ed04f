// Command wait does nothing until it is asked to end: process 1 of the test images and of every pod's sandbox.
//
// Process 1 of a container has no default signal handlers, so a plain `sleep` there would ignore SIGTERM for the
// whole grace period. It also reaps what is re-parented to it when containers of a pod share a process namespace.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
}
