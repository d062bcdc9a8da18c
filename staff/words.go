package staff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// Reason is why an act is done: a word of ours that the record keeps, never text that somebody typed.
type Reason string

const (
	LostPhone  Reason = "lost-phone"
	NewPhone   Reason = "new-phone"
	LostCodes  Reason = "lost-codes" // the recovery codes
	Left       Reason = "left"       // the organisation, or care
	Asked      Reason = "asked"      // the person did
	Suspicion  Reason = "suspicion"  // that somebody else uses the account
	Returned   Reason = "returned"
	Mistake    Reason = "mistake" // it was one to deactivate
	LostDevice Reason = "lost-device"
	Mistyped   Reason = "mistyped" // the address of now
	NewAddress Reason = "new-address"
	NewTask    Reason = "new-task"
	LeftTask   Reason = "left-task"
	WrongLink  Reason = "wrong-link" // the account at the organisation is somebody else's
)

// Identified is how the actor knows that the person is who they say they are.
type Identified string

const (
	InPerson   Identified = "in-person"
	Video      Identified = "video"
	CalledBack Identified = "called-back" // on the number that was known before
	Known      Identified = "known"       // to the actor
)

// reasons are the words that each act takes, the likeliest first; an act that is not here takes none.
var reasons = map[Act][]Reason{
	ActReset:          {LostPhone, NewPhone, LostCodes},
	ActRefer:          {LostPhone, NewPhone, LostCodes}, // those of the act that is referred to
	ActCorrectAddress: {Mistyped, NewAddress},
	ActChangeAddress:  {NewAddress, Mistyped},
	ActDeactivate:     {Left, Asked, Suspicion},
	ActReactivate:     {Returned, Mistake, Asked},
	ActEndSessions:    {LostDevice, Suspicion, Asked},
	ActRemoveDevice:   {LostDevice, Suspicion, Asked},
	ActRemoveLink:     {WrongLink, Suspicion, Left, Asked},
	ActErase:          {Asked, Left},
	ActSetRole:        {NewTask, LeftTask},
}

var identified = []Identified{InPerson, Video, CalledBack, Known}

// Justification is what the actor says with an act. An act takes the words that its right wants, and no others.
type Justification struct {
	Reason     Reason
	Identified Identified
}

// Reasons are the words that an act takes, in the order in which pages offer them.
func (a Act) Reasons() []Reason { return slices.Clone(reasons[a]) }

// Identifications are the words for how a person was identified, in the order in which pages offer them.
func Identifications() []Identified { return slices.Clone(identified) }

// TextKey is that of the word on a page.
func (r Reason) TextKey() string { return "staff.reason." + strings.ReplaceAll(string(r), "-", "_") }

// TextKey is that of the word on a page.
func (i Identified) TextKey() string {
	return "staff.identified." + strings.ReplaceAll(string(i), "-", "_")
}

// Check refuses words that an act does not take, and one that it wants and does not get: fault.Invalid, with those that
// there are. Of an act that there is not it refuses every word.
func (s Justification) Check(act Act) error {
	r := rightTo(act)
	if err := checkWord("reason", s.Reason, reasons[act], r.Reason); err != nil {
		return err
	}
	ways := identified
	if !r.Identified {
		ways = nil
	}
	return checkWord("identified", s.Identified, ways, r.Identified)
}

func checkWord[W ~string](name string, word W, of []W, wanted bool) error {
	switch {
	case slices.Contains(of, word), word == "" && !wanted:
		return nil
	case len(of) == 0:
		return fmt.Errorf("%s %q: %w: this act takes none", name, word, fault.Invalid)
	}
	words := make([]string, len(of))
	for i, w := range of {
		words[i] = string(w)
	}
	return fmt.Errorf("%s %q: %w: one of %s", name, word, fault.Invalid, strings.Join(words, ", "))
}
