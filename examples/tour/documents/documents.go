// Package documents is a package of payloads only. Services that archive nothing themselves import it to enqueue; the
// one service that does implements the generated Runner interface.
package documents

//go:generate go tool cloudtaskgen

// ArchiveDocument has no Run method: Runner has RunArchiveDocument instead.
//
//cloudtask:task queue=archive
type ArchiveDocument struct {
	DocumentID string   `json:"document_id"`
	Labels     []string `json:"labels,omitempty"`
}
