package main

import (
	"fmt"
	"io"
	"slices"
)

// table gathers results and prints their medians.
type table struct {
	plan            plan
	cells           map[string]map[string][]result // by scenario, then server; one a round
	servers         []string                       // in the order in which they first appear
	others          []string                       // those of them that are not ours
	products        []string                       // … and have a database
	start, idle     []float64                      // ms, MiB
	hash, signature []float64                      // CPU s per 1,000
}

// What is measured beside the scenarios has its own rows.
const (
	aloneSuffix = " alone"
	calmSuffix  = " calm"
	stormSuffix = " in a storm"
	crowdSuffix = " in a crowd"
)

func newTable(p plan) *table { return &table{plan: p, cells: map[string]map[string][]result{}} }

func (t *table) add(scenario, server string, r result) {
	if t.cells[scenario] == nil {
		t.cells[scenario] = map[string][]result{}
	}
	if !slices.Contains(t.servers, server) {
		t.servers = append(t.servers, server)
	}
	t.cells[scenario][server] = append(t.cells[scenario][server], r)
}

// of is the median of one figure, over the rounds in which something succeeded.
func (t *table) of(scenario, server string, figure func(result) float64) float64 {
	var v []float64
	for _, r := range t.cells[scenario][server] {
		if r.perSecond > 0 {
			v = append(v, figure(r))
		}
	}
	return median(v)
}

// ratio is the median of one figure of one server to that of another, each round by itself. 0: they have no round in common.
func (t *table) ratio(scenario, server, other string, figure func(result) float64) float64 {
	var v []float64
	a, b := t.cells[scenario][server], t.cells[scenario][other]
	for i := range min(len(a), len(b)) {
		if a[i].perSecond > 0 && b[i].perSecond > 0 && figure(b[i]) > 0 {
			v = append(v, figure(a[i])/figure(b[i]))
		}
	}
	return median(v)
}

func cpu(r result) float64      { return r.cpu }
func database(r result) float64 { return r.database }
func total(r result) float64    { return r.cpu + r.database }
func p50(r result) float64      { return r.p50 }
func p95(r result) float64      { return r.p95 }
func p99(r result) float64      { return r.p99 }
func memory(r result) float64   { return r.memory }
func failures(r result) float64 { return float64(r.failures) }

// printer writes a line of the table.
type printer func(format string, args ...any)

func (t *table) print(w io.Writer) {
	unit := t.of(unitScenario, ceiling, cpu)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // the terminal is gone: nothing to do about it
	line("Medians of %d rounds, %d workers, servers on CPU %s. CPU is seconds per 1,000 operations; × is its ratio to the ceiling's",
		t.plan.rounds, t.plan.effort.workers, t.plan.serverCPU)
	line("signed token (%.4f here, %.3f where the goals come from); +n is the database's own. The last but one is the cost to", unit, ceilingThere)
	line("ours on PostgreSQL, round by round, of the server alone and with the database.\n")
	line("| operation | server | op/s | p50 ms | p95 ms | p99 ms | CPU | × | to ours | generator |")
	line("|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range t.plan.scenarios {
		for _, server := range t.servers {
			if len(t.cells[s.name][server]) > 0 {
				t.row(line, s.name, server, unit)
			}
		}
	}
	t.besides(line)
	t.judge(line, unit)
}

func (t *table) row(line printer, scenario, server string, unit float64) {
	of := func(f func(result) float64) float64 { return t.of(scenario, server, f) }
	used, db := fmt.Sprintf("%.4f", of(cpu)), of(database)
	ratio, toOurs := fmt.Sprintf("%.2f", of(cpu)/unit), ""
	if db > 0 {
		used += fmt.Sprintf(" +%.3f", db)
		ratio += fmt.Sprintf(" +%.2f", db/unit)
	}
	if server != ceiling && server != ownName {
		toOurs = fmt.Sprintf("%.2f (%.2f)", t.ratio(scenario, server, ownName, cpu), t.ratio(scenario, server, ownName, total))
	}
	line("| %s | %s | %.0f | %.2f | %.2f | %.2f | %s | %s | %s | %.0f %% |", scenario, server,
		of(perSecond), of(p50), of(p95), of(p99), used, ratio, toOurs, of(func(r result) float64 { return r.generator })*100)
}

// besides are what keys cost: each operation with them to the same without.
func (t *table) besides(line printer) {
	head := "\n| with keys, to without | server | CPU | with the database's |\n|---|---|---|---|\n"
	for _, s := range t.plan.scenarios {
		for _, server := range t.servers {
			with, without := t.of(s.name, server, cpu), t.of(s.beside, server, cpu)
			if s.beside == "" || with == 0 || without == 0 {
				continue
			}
			line("%s| %s | %s | %.2f × | %.2f × |", head, s.name, server, with/without,
				(with+t.of(s.name, server, database))/(without+t.of(s.beside, server, database)))
			head = ""
		}
	}
}
