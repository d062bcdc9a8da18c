// Package pipeline sends the statements of several callers to PostgreSQL as one message, over a few connections.
//
// Whoever calls waits in one queue, first come first served. One goroutine per connection takes what waits there, at most
// so many, and sends it as one pipeline: the reads, each by itself, and then the writes as one transaction, which costs one
// commit. Nobody is answered before the commit of what they asked for. Where that transaction fails, whatever the reason,
// nothing of it was done, and each of its statements is sent again by itself: the failing one fails, and the others do not.
//
// It takes only statements that it was told of beforehand: single ones, short ones, each a transaction of its own. It keeps
// no connections; whoever makes a Pipeline lends it one for each message. Callers reach it as a driver of the
// standard library, whose connections are only places in the queue.
package pipeline
