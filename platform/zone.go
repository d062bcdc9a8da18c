package platform

// TimeZone is the IANA name of the zone that dates and times are shown in. Countries with several zones are none of ours.
func (p *Platform) TimeZone() string {
	switch p.Country {
	case "BE":
		return "Europe/Brussels"
	case "DE":
		return "Europe/Berlin"
	case "GB":
		return "Europe/London"
	}
	return "Europe/Amsterdam"
}
