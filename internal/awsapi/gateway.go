package awsapi

import (
	"context"

	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// The lists of API Gateway, page by page: its SDK has no paginators.

// VPCLinks lists all VPC links of the account and Region.
func (c *Clients) VPCLinks(ctx context.Context) ([]types.VpcLink, error) {
	return allPages(func(token *string) ([]types.VpcLink, *string, error) {
		out, err := c.API.GetVpcLinks(ctx, &gw.GetVpcLinksInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

// APIs lists all HTTP and WebSocket APIs of the account and Region.
func (c *Clients) APIs(ctx context.Context) ([]types.Api, error) {
	return allPages(func(token *string) ([]types.Api, *string, error) {
		out, err := c.API.GetApis(ctx, &gw.GetApisInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

// Integrations lists the API's integrations.
func (c *Clients) Integrations(ctx context.Context, apiID string) ([]types.Integration, error) {
	return allPages(func(token *string) ([]types.Integration, *string, error) {
		out, err := c.API.GetIntegrations(ctx, &gw.GetIntegrationsInput{ApiId: &apiID, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

// Routes lists the API's routes.
func (c *Clients) Routes(ctx context.Context, apiID string) ([]types.Route, error) {
	return allPages(func(token *string) ([]types.Route, *string, error) {
		out, err := c.API.GetRoutes(ctx, &gw.GetRoutesInput{ApiId: &apiID, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

func allPages[T any](page func(token *string) ([]T, *string, error)) ([]T, error) {
	var all []T
	var token *string
	for {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == nil || *next == "" {
			return all, nil
		}
		token = next
	}
}
