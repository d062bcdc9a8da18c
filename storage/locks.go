package storage

// lockOrder is the order in which tables are written within a transaction, so that two of them never wait for each
// other. Two things come out of it. Events, messages and sessions are added under new random identifiers, which nobody
// waits for. The account that a change is about is written again, whose row is locked already; a new address of it waits
// for another transaction that takes the same one, and PostgreSQL ends one of two that swap theirs at the same moment.
var lockOrder = []string{
	"counters", "platforms", "parties", "connections", "connection_documents", "connection_tests", "signing_keys", "intakes", "letters", "accounts", "pending_acts", "journeys", "upstream_answers", "requests", "pushed_requests", "tickets",
	"credentials", "devices", "app_devices", "consents", "sessions", "handoffs", "grants", "subjects", "attempts", "uses",
	"account_words", "invitations",
}
