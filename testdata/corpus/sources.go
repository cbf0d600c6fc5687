//go:build corpus

// The packages whose structs are tried: of many makers, written by hand and by generators, with and without methods of their
// own. This file is not compiled. Its imports tell the program which packages to read and go mod tidy which modules to
// require. The ones marked "sample" are light enough for every run of CI.
package main

import (
	_ "github.com/PagerDuty/go-pagerduty"
	_ "github.com/anthropics/anthropic-sdk-go"
	_ "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	_ "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	_ "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	_ "github.com/bwmarrin/discordgo" // sample
	_ "github.com/cloudflare/cloudflare-go"
	_ "github.com/compose-spec/compose-go/v2/types"
	_ "github.com/digitalocean/godo"
	_ "github.com/docker/docker/api/types"
	_ "github.com/docker/docker/api/types/container"
	_ "github.com/docker/docker/api/types/network"
	_ "github.com/docker/docker/api/types/swarm"
	_ "github.com/elastic/go-elasticsearch/v8/typedapi/types"
	_ "github.com/getkin/kin-openapi/openapi3"
	_ "github.com/go-telegram-bot-api/telegram-bot-api/v5" // sample
	_ "github.com/google/go-github/v84/github"
	_ "github.com/hashicorp/consul/api"
	_ "github.com/hashicorp/vault/api"
	_ "github.com/hetznercloud/hcloud-go/v2/hcloud/schema"
	_ "github.com/linode/linodego"
	_ "github.com/meilisearch/meilisearch-go"
	_ "github.com/openai/openai-go/v3"
	_ "github.com/opencontainers/image-spec/specs-go/v1" // sample
	_ "github.com/opencontainers/runtime-spec/specs-go"  // sample
	_ "github.com/prometheus/alertmanager/api/v2/models"
	_ "github.com/prometheus/common/model" // sample
	_ "github.com/sashabaranov/go-openai"  // sample
	_ "github.com/slack-go/slack"          // sample
	_ "github.com/slack-go/slack/slackevents"
	_ "github.com/stripe/stripe-go/v82"
	_ "github.com/twilio/twilio-go/rest/api/v2010"
	_ "gitlab.com/gitlab-org/api/client-go"
	_ "k8s.io/api/apps/v1"
	_ "k8s.io/api/batch/v1"
	_ "k8s.io/api/core/v1" // sample
	_ "k8s.io/api/networking/v1"
	_ "k8s.io/apimachinery/pkg/apis/meta/v1" // sample
	_ "sigs.k8s.io/gateway-api/apis/v1"
)
