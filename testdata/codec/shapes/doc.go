package shapes

//go:generate go run generate.go
