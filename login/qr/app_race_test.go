package qr_test

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
)

// phones are how many requests meet.
const phones = 32

// TestManyWrongPINsAtOnceAreFive: 32 wrong PINs at two nodes. Five are compared, whatever comes meanwhile; then the device is
// gone at both.
func TestManyWrongPINsAtOnceAreFive(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h := m.phone("anna@example.org", idptest.HostIssuer)
		db := m.nodes[0].DB.SQL()
		var sealed []byte
		if err := db.QueryRowContext(m.Context(), "SELECT pin FROM app_devices").Scan(&sealed); err != nil {
			m.Fatal(err)
		}
		const compared = "events WHERE kind = 'pin.refuse'"
		for round := range appRounds(m, 5) {
			before := m.nodes[0].Count(compared)
			answers := make([]told, phones)
			idptest.AtOnce(phones, func(i int) { answers[i] = h.pin(i%2, wrongPIN) })
			left := map[int]bool{}
			for _, a := range answers {
				switch {
				case a.is("slow_down"), a.is("invalid_grant") && a.Removed:
				case !a.is("invalid_grant"), a.TriesLeft == nil, left[*a.TriesLeft]:
					m.Fatalf("round %d: %d %s", round, a.Status, a.Body)
				default:
					left[*a.TriesLeft] = true
				}
			}
			for more := 0; m.nodes[0].Count("app_devices WHERE ended_at IS NULL") > 0; more++ {
				if a := h.pin(more%2, wrongPIN); !a.is("invalid_grant") || more == grant.MaxTries {
					m.Fatalf("round %d: after the race %d %s", round, a.Status, a.Body)
				}
			}
			if n := m.nodes[0].Count(compared) - before; n != grant.MaxTries {
				m.Errorf("round %d: %d were compared", round, n)
			}
			h.gone("after five wrong PINs")
			_, err := db.ExecContext(m.Context(), "UPDATE app_devices SET ended_at = NULL, pin = $1, tries = 0, tried = ''", sealed)
			if err != nil {
				m.Fatal(err)
			}
		}
		h.lives("put back")
	})
}

// TestManyRightPINsAtOnceHarmNobody: 32 right PINs at two nodes. At least one is answered, others are told to wait; the device
// lives, and has one session.
func TestManyRightPINsAtOnceHarmNobody(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h := m.phone("anna@example.org", idptest.HostIssuer)
		given := 0
		for round := range appRounds(m, 5) {
			answers, right := make([]told, phones), 0
			idptest.AtOnce(phones, func(i int) { answers[i] = h.pin(i%2, idptest.PhonePIN) })
			for _, a := range answers {
				switch {
				case a.Access != "":
					right++
				case !a.is("slow_down"):
					m.Errorf("round %d: %d %s", round, a.Status, a.Body)
				}
			}
			if given += right; right == 0 {
				m.Errorf("round %d: none was answered", round)
			}
			if n := m.nodes[0].Count("sessions WHERE channel = 'app' AND ended_at IS NULL"); n != 1 {
				m.Fatalf("round %d: the device has %d sessions after %d right PINs", round, n, right)
			}
		}
		m.Logf("%d were answered", given)
		h.lives("after many right PINs")
	})
}

// TestTryWhoseNodeDiedCounts: the node dies between counting a try and comparing it. Nobody else compares for ten seconds, the
// try stays counted, and five such are the device's last.
func TestTryWhoseNodeDiedCounts(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h := m.phone("anna@example.org", idptest.HostIssuer)
		s := m.nodes[0]
		dies := func() {
			m.Helper()
			d, _, err := s.DB.DeviceByKey(m.Context(), "linde", "app", h.jkt)
			if err == nil {
				_, err = s.DB.CountTry(m.Context(), d, grant.NewTry(), s.Clock.Now())
			}
			if err != nil {
				m.Fatal(err)
			}
		}
		dies()
		if a := h.pin(1, idptest.PhonePIN); !a.is("slow_down") {
			m.Errorf("while it is compared: %d %s", a.Status, a.Body)
		}
		m.later(grant.ComparingLife)
		if a := h.pin(1, idptest.PhonePIN); a.WrongBefore == nil || *a.WrongBefore != 1 {
			m.Errorf("after it was lost: %d %s", a.Status, a.Body)
		}
		for range grant.MaxTries {
			dies()
			m.later(grant.ComparingLife + time.Second)
		}
		if a := h.pin(1, idptest.PhonePIN); !a.is("invalid_grant") || !a.Removed {
			m.Errorf("after five were lost: %d %s", a.Status, a.Body)
		}
		h.gone("after five were lost")
	})
}
