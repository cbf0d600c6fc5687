package localqueue

// UseTokenSource gives the service a token source unless it has one (see [WithTokenSource]), and returns the one that it
// has then. It is for who puts the service on a listener, whose address the source is named after.
func (s *Service) UseTokenSource(source TokenSource) TokenSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.options.tokens == nil {
		s.options.tokens = source
	}
	return s.options.tokens
}

func (s *Service) tokenSource() TokenSource {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.options.tokens
}
