//go:build !race

package storage_test

import (
	"time"

	"github.com/minddistrict/idp/staff"
)

// useRounds is how often something is used by many at once.
const useRounds = 1000

// requestTime is what a request may take, as internal/wire has it.
const requestTime = 9500 * time.Millisecond

// intakeRows is how many people a file has.
const intakeRows = staff.MostRows
