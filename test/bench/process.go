package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// clockTick is USER_HZ: 100 on every Linux that Go runs on.
const clockTick = 100

// ticks are the CPU times of a process, in clockTick: its own, that of children it has waited for, and its parent. A
// process that is gone has none.
func ticks(pid int) (own, reaped float64, parent int) {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	text := string(raw)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 15 {
		return 0, 0, 0
	}
	n := func(i int) float64 { v, _ := strconv.ParseFloat(f[i], 64); return v }
	return n(11) + n(12), n(13) + n(14), int(n(1))
}

// family is a process and everything that lives of what it has started.
func family(root int) []int {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		_, _, parent := ticks(pid)
		children[parent] = append(children[parent], pid)
	}
	found := []int{root}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// cpuOfTree is the CPU time of a process and everything it has started, in seconds.
func cpuOfTree(root int) float64 {
	sum := 0.0
	for _, pid := range family(root) {
		own, reaped, _ := ticks(pid)
		sum += own + reaped
	}
	return sum / clockTick
}

// ownCPU is the CPU time of this process in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// memoryOf is the resident memory of processes in MiB. What several share counts for each.
func memoryOf(pids ...int) (sum float64) {
	for _, pid := range pids {
		sum += residentOf(pid)
	}
	return sum
}

func residentOf(pid int) float64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return n / 1024
		}
	}
	return 0
}

// meter watches a server, its database and this process during a measurement.
type meter struct {
	p                           *provider
	family                      []int   // processes of the server
	server, database, generator float64 // CPU seconds at the start
	memory                      float64 // MiB, the highest so far; the watching goroutine's until stopped
	stop                        chan struct{}
	watch                       sync.WaitGroup
}

func startMeter(p *provider) *meter {
	m := &meter{p: p, family: family(p.PID), stop: make(chan struct{})}
	m.memory = memoryOf(m.family...)
	m.server, m.generator = cpuOfTree(p.PID), ownCPU()
	if p.Database != 0 {
		m.database = cpuOfTree(p.Database)
	}
	m.watch.Go(func() {
		every := time.NewTicker(250 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-m.stop:
				return
			case <-every.C:
				m.memory = max(m.memory, memoryOf(m.family...))
			}
		}
	})
	return m
}

// end tells what was used since the start: CPU seconds, and MiB.
func (m *meter) end() (server, database, generator, memory float64) {
	server, generator = cpuOfTree(m.p.PID)-m.server, ownCPU()-m.generator
	if m.p.Database != 0 {
		database = cpuOfTree(m.p.Database) - m.database
	}
	close(m.stop)
	m.watch.Wait()
	return server, database, generator, max(m.memory, memoryOf(m.family...))
}
