package outbox_test

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/outbox"
)

// A message is a row before it is a mail. Its kind says how long it is tried and what its button is for; what it says to
// whom is sealed.
func ExampleDraft_Seal() {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	anna := &account.Account{ID: "anna", Platform: "linde", Locale: "nl", Email: account.Email{Address: "anna@example.org"}}
	draft := outbox.To(anna, outbox.PasswordReset, now)
	message := draft.Seal(func([]byte, string) []byte { return []byte("[sealed]") })
	fmt.Println(message.Kind, message.Recipient, message.ExpiresAt.Sub(message.QueuedAt), draft.Ticket())
	// Output: mail_reset mail 30m0s reset
}
