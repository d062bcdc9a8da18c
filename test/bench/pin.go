package main

import (
	"context"
	"os"
	"strconv"
)

// pinSelf moves every thread of this process to a CPU set, so that the generator does not eat into the servers' core.
func pinSelf(cpus string) error {
	return command(context.Background(), "taskset", "-a", "-p", "-c", cpus, strconv.Itoa(os.Getpid()))
}
