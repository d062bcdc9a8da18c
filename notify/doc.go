// Package notify owns what leaves the house: the worker that empties the outbox, what a message says, and how it
// travels.
//
// A message is a row, written in the transaction that causes it (storage). The worker (worker.go) of any node takes it
// for a minute, and sends it or puts it off, until it is settled: sent, refused for good, or given up because it came
// too late. A mail request (in stored names and in decision 10 a wish), which a page leaves that must not tell whether
// an account exists, first becomes a message or none (request.go, reply.go). Each sort of recipient has a Sender and a
// delivery of its own, and a store that falls silent holds up none (store.go). What a mail or a text message says is
// made when it is sent, from text keys (mail.go, text.go); a mail travels by SMTP (smtp.go), a text message through a
// gateway (gateway.go and a file for each kind), or both stay in memory (memory.go). Parties are told of sessions that
// ended by a token that is made at every attempt (logout.go), each by itself, so that a slow one delays no other
// (queues.go). A new sort of message is a row in outbox.Kinds.
//
// A node may die between sending and settling: then the message is sent again, a mail with the same Message-ID, so that
// mail systems and people can tell. Without that, nothing is sent twice. The package refuses addresses that could
// become something else on the wire, puts no name of an unconfirmed person into a mail, and logs no address.
//
// A party is a relying party (OAuth client).
package notify
