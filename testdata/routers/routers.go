// Package routers tests what the manual says of other people's code: routers that the handler of tasks is mounted
// on, and the containers of examples/services.
package routers

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	echov4 "github.com/labstack/echo/v4"
	"github.com/labstack/echo/v5"
)

// netHTTP mounts tasks on the router of the standard library.
func netHTTP(tasks http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /tasks/", tasks)
	return mux
}

func onChi(tasks http.Handler) http.Handler {
	router := chi.NewRouter()
	router.Handle("/tasks/*", tasks)
	return router
}

func onGorilla(tasks http.Handler) http.Handler {
	router := mux.NewRouter()
	router.PathPrefix("/tasks/").Handler(tasks)
	return router
}

func onEcho(tasks http.Handler) http.Handler {
	router := echo.New()
	router.Any("/tasks/*", echo.WrapHandler(tasks))
	return router
}

// onEchoV4 is onEcho for the version before.
func onEchoV4(tasks http.Handler) http.Handler {
	router := echov4.New()
	router.Any("/tasks/*", echov4.WrapHandler(tasks))
	return router
}

func onGin(tasks http.Handler) http.Handler {
	router := gin.New()
	router.Any("/tasks/*name", gin.WrapH(tasks))
	return router
}

// below serves the whole program below /app, as a proxy may want it: Config.BaseURL ends in /app then.
func below(program http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/app/", http.StripPrefix("/app", program))
	return mux
}
