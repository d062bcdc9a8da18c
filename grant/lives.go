package grant

import "time"

// Lives are how long what a party gets lives; a party may have shorter lives than the defaults, never longer.
type Lives struct {
	IDToken     time.Duration `json:"id_token,omitempty"`
	Access      time.Duration `json:"access,omitempty"`
	RefreshIdle time.Duration `json:"refresh_idle,omitempty"`
	RefreshEnd  time.Duration `json:"refresh_end,omitempty"`
}

// EffectiveLives are the party's lives with defaults filled in and capped by them.
func (p *Party) EffectiveLives() Lives {
	access := opaqueAccessLife
	if p.AccessJWT {
		access = jwtAccessLife
	}
	return Lives{
		IDToken:     shorter(p.Lives.IDToken, idTokenLife),
		Access:      shorter(p.Lives.Access, access),
		RefreshIdle: shorter(p.Lives.RefreshIdle, refreshIdleLife),
		RefreshEnd:  shorter(p.Lives.RefreshEnd, refreshEndLife),
	}
}

func shorter(wanted, limit time.Duration) time.Duration {
	if wanted <= 0 || wanted > limit {
		return limit
	}
	return wanted
}
