package main

import (
	"fmt"
	"slices"
	"strings"
)

// verdict is one goal, with what was measured and beside what: a peer of this run, or the ceiling.
type verdict struct {
	what           string
	measured, goal float64
	unit           string
	least          bool // the goal is the least that is wanted, not the most
	beside         string
}

func (v verdict) word() string {
	if v.least {
		return met(v.goal, v.measured)
	}
	return met(v.measured, v.goal)
}

// met says by how much what was measured is above the goal, if it is.
func met(measured, goal float64) string {
	switch {
	case measured <= goal:
		return "met"
	case goal == 0:
		return "missed"
	}
	return fmt.Sprintf("missed by %.0f %%", (measured/goal-1)*100)
}

// judge prints all goals, and what has none.
func (t *table) judge(line printer, unit float64) {
	line("\n| ours on PostgreSQL | measured | goal | | beside |\n|---|---|---|---|---|")
	for _, v := range t.verdicts(unit) {
		most := "at most "
		if v.least {
			most = "at least "
		}
		line("| %s | %.2f%s | %s%.2f%s | %s | %s |", v.what, v.measured, v.unit, most, v.goal, v.unit, v.word(), v.beside)
	}
	for _, name := range crowded {
		if alone := t.of(name+aloneSuffix, ownName, p50); alone > 0 {
			line("| %s with one worker, p50 | %.2f ms | | no goal | |", name, alone)
		}
	}
}

// verdicts are the goals that this run can judge. unit is what a signed token costs the ceiling.
func (t *table) verdicts(unit float64) (all []verdict) {
	for _, s := range t.plan.scenarios {
		if t.of(s.name, ownName, cpu) > 0 {
			all = append(all, t.costs(s.name, unit)...)
			all = append(all, t.productsTo(s.name, unit)...)
		}
	}
	if login := t.of("code_login", ownName, cpu); login > 0 {
		hash := median(t.hash)
		all = append(all, verdict{"first login beyond the hash", (login - hash) * ceilingThere / unit, loginBeyondHash, " ms there", false,
			fmt.Sprintf("the hash, %.1f ms here; ms by the ceiling", hash)})
	}
	for _, name := range crowded {
		if t.of(name+crowdSuffix, ownName, perSecond) > 0 {
			all = append(all, t.crowdOf(name, unit)...)
		}
	}
	return append(all, t.waits()...)
}

// costs judges one operation by its peer and by the database.
func (t *table) costs(name string, unit float64) (all []verdict) {
	g, has := goals[name]
	if !has {
		return nil
	}
	v := verdict{"cost of " + name, t.of(name, ownName, cpu) / unit / g.ceilings, g.factor, " ×", false, byCeiling(g.peer, g.ceilings)}
	if ratio := t.ratio(name, ownName, g.peer, cpu); ratio > 0 {
		v.measured, v.beside = ratio, g.peer
	}
	all = append(all, v)
	if g.database > 0 {
		all = append(all, verdict{"cost of " + name + ", the database's", t.of(name, ownName, database) / unit, g.database, " ×", false,
			"the ceiling's token"})
	}
	return all
}

// productsTo judges one operation by the products with a database: those of this run, and the cheapest of all if it is
// none of them.
func (t *table) productsTo(name string, unit float64) (all []verdict) {
	what := name + ", a product's cost to ours"
	for _, product := range t.products {
		if ratio := t.ratio(name, product, ownName, total); ratio > 0 {
			all = append(all, verdict{what, ratio, productFactor, " ×", true, product})
		}
	}
	p, has := cheapest[name]
	beside := slices.ContainsFunc(t.products, func(s string) bool { return strings.EqualFold(s, p.name) })
	if has && !(beside && len(all) > 0) {
		all = append(all, verdict{what, p.ceilings / (t.of(name, ownName, total) / unit), productFactor, " ×", true, byCeiling(p.name, p.ceilings)})
	}
	return all
}

// crowdOf judges what many workers at once get.
func (t *table) crowdOf(name string, unit float64) []verdict {
	of := func(f func(result) float64) float64 { return t.of(name+crowdSuffix, ownName, f) }
	what := fmt.Sprintf("%s with %d workers, ", name, crowdWorkers)
	before := eightBefore[name] * ceilingThere / unit
	all := []verdict{
		{what + "rate", of(perSecond) / before, crowdFactor, " ×", true, fmt.Sprintf("8 workers before: by the ceiling %.0f/s here", before)},
		{what + "p99 to p50", of(p99) / of(p50), crowdSlowest, " ×", false, "itself"},
		{what + "failures", t.most(name+crowdSuffix, ownName, failures), 0, "", false, "all rounds"},
	}
	if name == "code_sso" {
		all = append(all, verdict{what + "cost", of(cpu) / unit / luikyvCode, crowdCode, " ×", false, byCeiling(luikyv, luikyvCode)})
	}
	return all
}

// waits judges latencies, starts and memory.
func (t *table) waits() (all []verdict) {
	add := func(what string, measured, goal float64, unit, beside string) {
		if measured > 0 { // not NaN either: it was measured
			all = append(all, verdict{what, measured, goal, unit, false, beside})
		}
	}
	for _, name := range short {
		add(name+", p99 to p50", t.of(name, ownName, p99)/t.of(name, ownName, p50), slowestToMedian, " ×", "itself")
	}
	add("refresh p99 in a storm of logins", t.of("refresh"+stormSuffix, ownName, p99)/t.of("refresh"+calmSuffix, ownName, p99),
		stormFactor, " ×", "itself, calm")
	add("start to the first answer", median(t.start), startWithin, " ms", "")
	add("memory, idle", median(t.idle), memoryIdle, " MiB", "")
	largest, of := 0.0, ""
	for _, name := range short {
		if used := t.of(name, ownName, memory); used > largest {
			largest, of = used, name
		}
	}
	add("memory under token load, the most", largest, memoryBusy, " MiB", of)
	return all
}

// most is the highest of one figure over all rounds.
func (t *table) most(scenario, server string, figure func(result) float64) (highest float64) {
	for _, r := range t.cells[scenario][server] {
		highest = max(highest, figure(r))
	}
	return highest
}

// byCeiling says that a peer is not in this run, and what it cost.
func byCeiling(peer string, ceilings float64) string {
	return fmt.Sprintf("%s by the ceiling: %.2f of its tokens", peer, ceilings)
}
