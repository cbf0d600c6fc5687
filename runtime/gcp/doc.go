// Package gcp connects package cloudtask to Google Cloud Tasks through the official client,
// cloud.google.com/go/cloudtasks/apiv2.
//
// Programs that enqueue call [NewClient]. Programs that only run tasks need nothing of this package, and save the
// many megabytes that gRPC and Google's libraries add to a binary.
//
// With [cloudtask.Config.EmulatorHost] set (CLOUD_TASKS_EMULATOR_HOST in the environment) both constructors talk
// plaintext gRPC without credentials to that address instead of to Google: to "cloudtask dev" or to anything else that
// speaks google.cloud.tasks.v2.
package gcp
