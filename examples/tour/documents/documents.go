// Package documents has only payloads. Services that enqueue its tasks import it without linking the code that runs them. The service
// that runs them implements the generated interface Runner.
package documents

//go:generate go tool cloudtaskgen

// ArchiveDocument has no Run method: Runner has RunArchiveDocument instead.
//
//cloudtask:task queue=archive
type ArchiveDocument struct {
	DocumentID string   `json:"document_id"`
	Labels     []string `json:"labels,omitempty"`
}
