package main

// A goal is the cost of a peer in the same run, times a factor. Where that peer is not in the run, what it cost stands in
// signed tokens of the ceiling, so that it travels to another machine. That was found in two runs one after the other in one
// quiet hour (docs/performance.md, "Goals"): one had all peers and us, the other, this program's, us and the ceiling. What a
// peer cost in the first to us there, times what we cost to the ceiling in the second, is the peer to the ceiling.
const ceilingThere = 0.061 // CPU s per 1,000: client credentials, ES256, at the ceiling in the second

// unitScenario is the one whose cost at the ceiling is the unit.
const unitScenario = "machine_jwt"

// goal is what one operation may cost our server on PostgreSQL.
type goal struct {
	peer     string
	factor   float64 // at most this many times what it costs the peer, on the server
	ceilings float64 // what that was where the goal was set, in signed tokens of the ceiling
	database float64 // at most, in signed tokens of the ceiling; 0: no goal
}

const (
	luikyv  = "luikyv" // a library in memory that hashes no password
	panva   = "oidc-provider"
	zitadel = "zitadel"
)

var goals = map[string]goal{
	// peer ÷ us in the first run, × us ÷ ceiling in the second
	"machine_jwt":   {luikyv, 1.0, 0.079 / 0.096 * 0.102 / ceilingThere, 0},
	"code_sso":      {luikyv, 1.65, luikyvCode, 0.30 / ceilingThere},
	"refresh":       {luikyv, 1.05, 0.142 / 0.211 * 0.219 / ceilingThere, 0.11 / ceilingThere},
	"userinfo":      {zitadel, 1.1, 0.062 / 0.093 * 0.104 / ceilingThere, 0},
	"introspection": {zitadel, 1.0, 0.073 / 0.097 * 0.103 / ceilingThere, 0},
	"code_login":    {panva, 0.95, 14.6 / 29.6 * 30.5 / ceilingThere, 0},
}

const luikyvCode = 0.217 / 0.460 * 0.474 / ceilingThere // with 8 workers; it has no database that more of them would share

// product is one with a database, and what an operation cost it with the database's, in signed tokens of the ceiling.
type product struct {
	name     string
	ceilings float64
}

// cheapest are, of Keycloak, Hydra, Dex and Authelia, those that did each operation at the least cost, found like goals.
var cheapest = map[string]product{
	"discovery":     {"Authelia", 0.034 / 0.015 * 0.017 / ceilingThere},
	"jwks":          {"Authelia", 0.024 / 0.014 * 0.015 / ceilingThere},
	"machine_jwt":   {"Keycloak", (0.759 + 0.087) / 0.096 * 0.102 / ceilingThere},
	"code_sso":      {"Keycloak", (2.53 + 0.32) / (0.460 + 0.397) * (0.474 + 0.402) / ceilingThere},
	"refresh":       {"Keycloak", (1.28 + 0.21) / (0.211 + 0.160) * (0.219 + 0.153) / ceilingThere},
	"userinfo":      {"Keycloak, RS256", 0.281 / (0.093 + 0.042) * (0.104 + 0.047) / ceilingThere},
	"introspection": {"Keycloak, RS256", 0.404 / (0.097 + 0.044) * (0.103 + 0.049) / ceilingThere},
	"code_login":    {"Keycloak", (35.8 + 1.3) / (29.6 + 2.5) * (30.5 + 2.5) / ceilingThere},
}

// short are the operations of one request and no password.
var short = []string{"discovery", "jwks", "machine_jwt", "machine_opaque", "machine_rs256", "refresh", "userinfo", "introspection"}

// crowded are the operations that are measured with one worker and with crowdWorkers too.
var crowded = []string{"refresh", "code_sso"}

// eightBefore are how many of them 8 workers did in a second where the goals were set, before.
var eightBefore = map[string]float64{"refresh": 3303, "code_sso": 1399}

// Goals that are no cost of one operation.
const (
	productFactor   = 2.0 // at least: cost of a product with a database to ours, the databases' counted in
	loginBeyondHash = 2.0 // CPU s per 1,000 beyond the hash of a first login, there
	slowestToMedian = 5.0 // p99 to p50 of short operations with 8 workers
	crowdWorkers    = 128
	crowdFactor     = 2.5  // at least: operations per second of a crowd to those of 8 workers before
	crowdSlowest    = 3.0  // p99 to p50
	crowdCode       = 1.1  // cost of a code with a session, to luikyv
	stormFactor     = 2.0  // p99 of a refresh while logins fill the hash queue
	stormPeople     = 24   // who sign in at once in a storm
	startWithin     = 35.0 // ms to the first answer
	memoryIdle      = 34.0 // MiB
	memoryBusy      = 60.0 // MiB under token load
	growthFactor    = 1.3  // cost with a full database to that with an empty one

	// What the time of an answer may tell of an address.
	timingDifference = 2.0  // ms, the median of differences
	timingArea       = 0.06 // Mann-Whitney AUC, away from 0.5
)
