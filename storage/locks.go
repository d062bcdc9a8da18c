package storage

// lockOrder is the order in which tables are written within a transaction, so that two of them never wait for each
// other. Out of it come two things that take no lock that anybody waits for: the account that a change is about is
// written again, whose row is locked already, and events, letters and sessions are added under new random identifiers.
var lockOrder = []string{
	"counters", "platforms", "parties", "signing_keys", "letters", "accounts", "journeys", "requests", "tickets",
	"credentials", "devices", "consents", "sessions", "grants", "attempts",
}
