// Command bench measures what the provider costs. It builds `idp`, starts it on PostgreSQL (with fsync) and on SQLite
// beside a ceiling, drives all of them with the same requests, and prints CPU time per operation as ratios, with the
// goals of docs/performance.md beside them.
//
//	bench run      the whole table; make bench calls it
//	bench load     a database with a million accounts and ten million grants, and what its size costs
//	bench people   a million people and a record of millions: what the pages of staff ask
//	bench timing   does the time of an answer tell whether an address has an account?
//	bench storm    refreshing while many people log in at once; with -against, what a change brings
//	bench profile  a CPU profile of the server under one scenario
//
// The servers run on one core; generator and database on the others. It speaks to loopback addresses only. `bench
// hello` and `bench limits` are its own children: the ceiling server, and the cost of one hash and one signature.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var commands = map[string]func(context.Context, []string) error{
	"run": run, "load": load, "timing": timing, "storm": stormy, "profile": profile, "hello": hello, "limits": limits,
	"people": staffReads,
}

func main() {
	var command func(context.Context, []string) error
	if len(os.Args) > 1 {
		command = commands[os.Args[1]]
	}
	if command == nil {
		fmt.Fprintln(os.Stderr, "bench run|load|people|timing|storm|profile [flags]; -h lists them")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[2:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
