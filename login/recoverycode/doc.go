// Package recoverycode is the factor "recovery code": six codes that are shown once, when two-step
// authentication is set up, and each of which stands in for a code of the phone once.
//
// A set is one credential; its sealed secret is the key under which its codes are stored, as HMAC-SHA-256, each as a
// ticket: so accepting a code and spending it is one statement, and rotating the master key costs nobody a code. Nothing
// of a set is stored before the person says that it is kept: what the page shows is computed from the journey, so a
// reload shows the same codes, and a set that was never confirmed never worked.
package recoverycode
