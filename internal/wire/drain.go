package wire

// Drain says that this node is about to stop: /readyz is not ready any more, every answer ends its connection, and no
// message and no upkeep is begun. Requests are answered as ever, with settings that are followed as ever. It cannot be
// undone, and may be said more than once.
func (h *House) Drain() { h.leave.Do(func() { close(h.leaving) }) }

// leaves reports whether Drain was called.
func (h *House) leaves() bool {
	select {
	case <-h.leaving:
		return true
	default:
		return false
	}
}
