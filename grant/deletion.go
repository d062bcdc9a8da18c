package grant

// Deletion is what a party holds when it is deleted, and what ends with it.
type Deletion struct {
	Grants   int64 `json:"grants"`          // with their codes and tokens
	Devices  int64 `json:"devices"`         // with the mobile app, with their PINs and sessions
	Consents int64 `json:"consents"`        // that people gave it
	Pushed   int64 `json:"pushed_requests"` // RFC 9126
	Logouts  int64 `json:"logout_messages"` // that tell it of sessions that ended, and were not sent
}
