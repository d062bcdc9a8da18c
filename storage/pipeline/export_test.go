package pipeline

// Waiting is how many calls are in the queue.
func (p *Pipeline) Waiting() int {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	return p.queue.waiting.Len()
}
