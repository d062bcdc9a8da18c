// Package hostile sends tens of thousands of requests that nobody should send to a whole house in process: drawn from a
// grammar of every route of both kinds of issuer, and then broken (hostile_grammar_test.go), with cookies, journeys,
// codes and tokens that are, or were, good. Of every answer the same must hold (hostile_test.go): it is no error of ours,
// leads nowhere but where it may, shows nothing of the request or of what is inside, and has its headers; nothing
// is left in memory. There is no code beside its tests.
package hostile
