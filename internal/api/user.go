package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// User is a person who signs in.
type User struct {
	ID          string    `json:"id" doc:"Their id." example:"usr_m3kx7q2fd5wa4nzp"`
	Name        string    `json:"name" doc:"Their name." example:"Ada"`
	Email       string    `json:"email,omitempty" doc:"Their address." example:"ada@example.com"`
	Admin       bool      `json:"admin" doc:"They may do everything in this installation."`
	DisabledAt  time.Time `json:"disabled_at,omitzero" doc:"Since when the account is switched off."`
	CreatedAt   time.Time `json:"created_at" doc:"When the account was made."`
	HasPassword bool      `json:"has_password" doc:"They can sign in by password."`
	Identities  int       `json:"identities" doc:"How many sign-ins at providers are linked." example:"1"`
}

func userOf(u *model.User) User {
	return User{
		ID: u.ID, Name: u.Name, Email: u.Email, Admin: u.Admin, DisabledAt: u.DisabledAt,
		CreatedAt: u.CreatedAt, HasPassword: u.HasPassword, Identities: u.Identities,
	}
}

// UserEnabled switches a user on or off.
type UserEnabled struct {
	Enabled bool `json:"enabled" doc:"They can sign in."`
}

// UserAdmin makes a user an admin, or no longer.
type UserAdmin struct {
	Admin bool `json:"admin" doc:"They may do everything in this installation."`
}

type setEnabledInput struct {
	BodyRead
	ID   string `path:"id" doc:"The user's id." example:"usr_m3kx7q2fd5wa4nzp"`
	Body UserEnabled
}

type setAdminInput struct {
	BodyRead
	ID   string `path:"id" doc:"The user's id." example:"usr_m3kx7q2fd5wa4nzp"`
	Body UserAdmin
}

type usersInput struct {
	Paging
	Sort  string `query:"sort" enum:"created_at,-created_at,name,-name" default:"created_at" doc:"By what the list is sorted; with - from the last to the first."`
	Name  string `query:"name" maxLength:"256" doc:"Only users whose name or address contains this." example:"ada"`
	Admin YesNo  `query:"admin" doc:"Only admins, or, with false, only others."`
}

var userOrders = orders[model.User]{
	"id":         func(u *model.User) string { return u.ID },
	"name":       func(u *model.User) string { return u.Name },
	"created_at": func(u *model.User) string { return at(u.CreatedAt) },
}

func (a *API) listUsers(ctx context.Context, actor model.Actor, in *usersInput) (*listOutput[User], error) {
	list, err := a.panel.Users(ctx, actor)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(u *model.User) bool {
		return (has(u.Name, in.Name) || has(u.Email, in.Name)) && in.Admin.of(u.Admin)
	})
	return paged(in.Paging, in.Sort, list, userOrders, userOf)
}

func (a *API) registerUsers(h huma.API) {
	tags := []string{"Users"}
	route(a, h, huma.Operation{
		OperationID: "list-users", Method: http.MethodGet, Path: "/users", Tags: tags,
		Summary: "List users", Description: "For admins. Oldest first.",
	}, a.listUsers)
	route(a, h, huma.Operation{
		OperationID: "set-user-enabled", Method: http.MethodPut, Path: "/users/{id}/enabled", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Switch a user on or off", Description: "For admins. Switching off ends the user's sessions and what goes back to them, tokens and trusts, at once.",
	}, func(ctx context.Context, actor model.Actor, in *setEnabledInput) (*done, error) {
		return &done{}, a.panel.SwitchUser(ctx, actor, in.ID, in.Body.Enabled)
	})
	route(a, h, huma.Operation{
		OperationID: "set-user-admin", Method: http.MethodPut, Path: "/users/{id}/admin", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Make a user an admin, or no longer", Description: "For admins. One admin is always left.",
	}, func(ctx context.Context, actor model.Actor, in *setAdminInput) (*done, error) {
		return &done{}, a.panel.SetAdmin(ctx, actor, in.ID, in.Body.Admin)
	})
}
