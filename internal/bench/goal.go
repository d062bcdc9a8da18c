package main

// Goals are times measured on one machine. What travels to another is their ratio to the ceiling, whose JWT cost
// ceilingThere; so a goal here is that ratio times what the ceiling costs here.
const ceilingThere = 0.062 // CPU s per 1,000: client credentials, ES256

// unitScenario is the one whose cost at the ceiling is the unit.
const unitScenario = "machine_jwt"

// goal is what an operation may cost on the server and on the database, in CPU seconds per 1,000 on that machine. 0: no
// goal.
type goal struct{ server, database float64 }

var goals = map[string]goal{
	"machine_jwt":    {server: 0.090},
	"machine_opaque": {server: 0.065, database: 0.08},
	"code_sso":       {server: 0.28, database: 0.25},
	"refresh":        {server: 0.17, database: 0.10},
	"userinfo":       {server: 0.060},
	"introspection":  {server: 0.070},
}

// Goals that are no cost of one operation.
const (
	documentFactor  = 1.2 // discovery and JWKS: to the ceiling's own
	loginBeyondHash = 0.7 // CPU s per 1,000 beyond the hash of a first login
	signatureFactor = 1.1 // RS256 parties: this many signatures
	slowestToMedian = 5.0 // p99 to p50 with 8 workers
	stormFactor     = 2.0 // p99 of a refresh while logins fill the hash queue
	startWithin     = 30  // ms to the first answer
	memoryIdle      = 30  // MiB
	memoryBusy      = 50  // MiB under token load
	growthFactor    = 1.3 // cost with a full database to that with an empty one
	ssoAlone        = 0.8 // ms, p50 with one worker
	refreshAlone    = 0.4 // ms
	stormPeople     = 24  // who sign in at once in a storm

	// What the time of an answer may tell of an address.
	timingDifference = 2.0  // ms, the median of differences
	timingArea       = 0.06 // Mann-Whitney AUC, away from 0.5
)
