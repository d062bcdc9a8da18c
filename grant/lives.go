package grant

import "time"

// Lifetimes are how long what a party gets lives; a party may have shorter lives than the defaults, never longer.
type Lifetimes struct {
	IDToken     time.Duration `json:"id_token,omitempty"`
	Access      time.Duration `json:"access,omitempty"`
	RefreshIdle time.Duration `json:"refresh_idle,omitempty"`
	RefreshEnd  time.Duration `json:"refresh_end,omitempty"`
}

// EffectiveLifetimes are the party's lives with defaults filled in and capped by them.
func (p *Party) EffectiveLifetimes() Lifetimes {
	access := opaqueAccessLife
	if p.AccessJWT {
		access = jwtAccessLife
	}
	return Lifetimes{
		IDToken:     shorter(p.Lifetimes.IDToken, idTokenLife),
		Access:      shorter(p.Lifetimes.Access, access),
		RefreshIdle: shorter(p.Lifetimes.RefreshIdle, refreshIdleLife),
		RefreshEnd:  shorter(p.Lifetimes.RefreshEnd, refreshEndLife),
	}
}

func shorter(wanted, limit time.Duration) time.Duration {
	if wanted <= 0 || wanted > limit {
		return limit
	}
	return wanted
}
