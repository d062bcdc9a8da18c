package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// pinSelf moves every thread of this process to a CPU set, as of taskset, so that the generator does not eat into the
// servers' core. What it starts from then on runs there too, unless it is told otherwise.
func pinSelf(cpus string) error {
	out, err := exec.Command("taskset", "-a", "-p", "-c", cpus, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	return nil
}
