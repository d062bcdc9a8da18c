package oidc

import "time"

// Impatient makes every call end after a while.
func (u *Upstream) Impatient(after time.Duration) { u.patience = after }

// IsEndpoint is isEndpoint.
var IsEndpoint = isEndpoint
