// Package notify owns what leaves the house as a mail or a text message: the worker that empties the outbox, what a
// letter says, and how it travels.
//
// A letter is a row, written in the transaction that causes it (storage). The worker (worker.go) of any node takes it
// for a minute, and sends it or puts it off, until it is settled: sent, refused for good, or given up because it came too
// late. Mails and text messages are delivered apart, and a store that falls silent holds up neither (store.go). A wish,
// which a page leaves that must not tell whether an account exists, first becomes a letter or none (request.go). What a
// letter says is made when it is sent, from text keys (mail.go, text.go); a mail travels by SMTP (smtp.go), a text
// message through a gateway (gateway.go and a file for each kind), or both stay in memory (memory.go).
//
// A node may die between sending and settling: then the letter is sent again, with the same Message-ID, so that mail
// systems and people can tell. Without that, no letter is sent twice. The package refuses addresses that could become
// something else on the wire, puts no name of an unconfirmed person into a mail, and logs no address.
package notify
