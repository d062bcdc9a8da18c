// Package snapshot holds what is configured (platforms, parties, connections, signing keys) in memory, where every
// request finds it without asking the database.
//
// A Snapshot is all of that at one version of the settings and never changes. Current is the newest that a node knows:
// Refresh replaces it when the version rose, Fresh says whether it is young enough to let somebody in, and its other
// methods are what the doors ask of it (op.Registry). What decides validity (accounts, sessions, grants) is not in
// here: that is read from its row, always.
//
// Signing keys that are missing, or too old, are made here as well, because it is known here which are needed.
//
// A party is a relying party (OAuth client).
package snapshot
