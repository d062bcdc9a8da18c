package main

import (
	"fmt"
	"io"
	"slices"
)

// table gathers results and prints their medians.
type table struct {
	plan            plan
	cells           map[string]map[string][]result // by scenario, then server
	servers         []string                       // in the order in which they first appear
	start, idle     []float64                      // ms, MiB
	hash, signature []float64                      // CPU s per 1,000
}

// What is measured beside the scenarios has its own rows.
const (
	aloneSuffix = " alone"
	calmSuffix  = " calm"
	stormSuffix = " in a storm"
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

// of is the median of one figure.
func (t *table) of(scenario, server string, figure func(result) float64) float64 {
	var v []float64
	for _, r := range t.cells[scenario][server] {
		v = append(v, figure(r))
	}
	return median(v)
}

func cpu(r result) float64      { return r.cpu }
func database(r result) float64 { return r.database }
func p50(r result) float64      { return r.p50 }
func p95(r result) float64      { return r.p95 }
func p99(r result) float64      { return r.p99 }
func memory(r result) float64   { return r.memory }

func (t *table) print(w io.Writer) {
	unit := t.of(unitScenario, ceiling, cpu)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // the terminal is gone: nothing to do about it
	line("Medians of %d rounds, %d workers, servers on CPU %s. CPU is seconds per 1,000 operations; × is its ratio to the ceiling's", t.plan.rounds, t.plan.effort.workers, t.plan.serverCPU)
	line("signed token (%.4f here, %.3f where the goals come from); +n is the database's own.\n", unit, ceilingThere)
	line("| operation | server | op/s | p50 ms | p95 ms | p99 ms | CPU | × | goal × | | generator |")
	line("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range t.plan.scenarios {
		for _, server := range t.servers {
			if len(t.cells[s.name][server]) > 0 {
				t.row(line, s.name, server, unit)
			}
		}
	}
	t.besides(line)
	t.others(line, unit)
}

func (t *table) row(line func(string, ...any), scenario, server string, unit float64) {
	of := func(f func(result) float64) float64 { return t.of(scenario, server, f) }
	used, db := fmt.Sprintf("%.4f", of(cpu)), of(database)
	ratio := fmt.Sprintf("%.2f", of(cpu)/unit)
	if db > 0 {
		used += fmt.Sprintf(" +%.3f", db)
		ratio += fmt.Sprintf(" +%.2f", db/unit)
	}
	goal, verdict := "", ""
	if g, has := goals[scenario]; has && server != ceiling {
		goal, verdict = fmt.Sprintf("%.2f", g.server/ceilingThere), met(of(cpu)/unit, g.server/ceilingThere)
		if g.database > 0 && server == "postgres" {
			goal += fmt.Sprintf(" +%.2f", g.database/ceilingThere)
			verdict += ", +" + met(db/unit, g.database/ceilingThere)
		}
	}
	line("| %s | %s | %.0f | %.2f | %.2f | %.2f | %s | %s | %s | %s | %.0f %% |", scenario, server,
		of(perSecond), of(p50), of(p95), of(p99), used, ratio, goal, verdict,
		of(func(r result) float64 { return r.generator })*100)
}

// besides are what keys cost: each operation with them to the same without.
func (t *table) besides(line func(string, ...any)) {
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

// others are the goals that are no cost of one operation.
func (t *table) others(line func(string, ...any), unit float64) {
	const own = "postgres"
	line("\n| what | measured | goal | |\n|---|---|---|---|")
	say := func(what string, measured, goal float64, unit string) {
		if measured > 0 {
			line("| %s | %.2f%s | %.2f%s | %s |", what, measured, unit, goal, unit, met(measured, goal))
		}
	}
	hash, signature := median(t.hash), median(t.signature)
	for _, document := range []string{"discovery", "jwks"} {
		say(document+", to the ceiling's own", t.of(document, own, cpu)/t.of(document, ceiling, cpu), documentFactor, " ×")
	}
	if login := t.of("code_login", own, cpu); login > 0 {
		beyond := (login - hash) / unit
		say(fmt.Sprintf("first login beyond the hash (%.1f), to the ceiling's signed token", hash), beyond, loginBeyondHash/ceilingThere, " ×")
	}
	say("RS256 token for a machine, in signatures", t.of("machine_rs256", own, cpu)/signature, signatureFactor, " ×")
	say("RS256 code and token, less the same with ES256, in signatures", (t.of("code_sso_rs256", own, cpu)-t.of("code_sso", own, cpu))/signature, signatureFactor, " ×")
	say("code_sso alone, p50", t.of("code_sso"+aloneSuffix, own, p50), ssoAlone, " ms")
	say("refresh alone, p50", t.of("refresh"+aloneSuffix, own, p50), refreshAlone, " ms")
	for _, s := range t.plan.scenarios {
		say(s.name+", p99 to p50", t.of(s.name, own, p99)/t.of(s.name, own, p50), slowestToMedian, " ×")
	}
	say("refresh p99 in a storm of logins, to without", t.of("refresh"+stormSuffix, own, p99)/t.of("refresh"+calmSuffix, own, p99), stormFactor, " ×")
	say("start to the first answer", median(t.start), startWithin, " ms")
	say("memory, idle", median(t.idle), memoryIdle, " MiB")
	for _, s := range t.plan.scenarios {
		if s.name != "code_login" {
			say("memory, "+s.name, t.of(s.name, own, memory), memoryBusy, " MiB")
		}
	}
}

func met(measured, goal float64) string {
	if measured <= goal {
		return "met"
	}
	return fmt.Sprintf("missed by %.0f %%", (measured/goal-1)*100)
}
