// Package storage keeps everything the provider must remember, in PostgreSQL or in SQLite, with one SQL text.
//
// It loads and saves the values of the nouns whole and decides nothing that they can decide. What it does decide is who
// comes first: what works once is won by one conditional statement, never by reading and then writing. That is a code
// (Redeem), a refresh token (Rotate), a request (Answer) and a pushed one (SpendPushed), a journey's version and its
// tickets (SaveChange), an upstream's answer (KeepAnswer), a QR code (ClaimHandoff, RedeemHandoff), a PIN (CountTry),
// and identifiers of others (MarkUsed). One method is one transaction. Every query that a door asks for names the
// platform, and a row of another platform is not found; upkeep, the outbox and the commands see all of them. Cookies,
// codes and refresh tokens are stored as hashes only.
//
// Doors declare the few methods they need and get a *DB from internal/wire. The sentinels of internal/fault say how a
// method ended; trouble with the database itself is fault.Unavailable.
//
// Each statement to PostgreSQL costs a round trip, so there some go as one: those of a change that only count rows
// (gathering), a guess at its two counters (countGuess), a request with its grant (answerAtOnce). Each is made of the
// text that SQLite runs.
//
// Within a transaction rows are locked in one order, lockOrder, so that two of them never wait for each other; several
// rows of one table in the order of their keys, or all of them of an account whose row is locked. What is saved for a
// person is saved while the account's row is locked, and events and messages are only added.
package storage
