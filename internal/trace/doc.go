// Package trace sends OpenTelemetry traces to the operator's collector: one span per request, named after its route,
// and one per database statement below it. Nothing is made, and nothing runs, unless the standard OTEL_… variables ask
// for it (environment.go); the SDK reads all of them itself.
//
// A trace leaves our machines, so it holds even less than the log: no address, no query, no header, no path from
// outside, no account, no SQL value, and no text of an error, which may quote what somebody typed. That is why requests
// are not traced by the usual library, which notes all of these. The reference number finds the line in the log.
package trace
