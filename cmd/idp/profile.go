//go:build profile

package main

import (
	"log"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

// With the tag profile, and only then, SIGUSR1 starts a CPU profile into the file that PROFILE names, and the next one
// ends it. Released programs have none of this; `go run ./test/bench profile` builds one that has.
func init() {
	pressed := make(chan os.Signal, 2)
	signal.Notify(pressed, syscall.SIGUSR1)
	go func() {
		<-pressed
		file, err := os.Create(os.Getenv("PROFILE"))
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			log.Fatal(err)
		}
		<-pressed
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}()
}
