using Relay.Transport.Kestrel;

namespace Relay.Http;

internal static class HttpSetup
{
    public static IServiceCollection AddHttp(this IServiceCollection services) => services
        .AddSingleton<StatusPages>()
        .AddSingleton<PublicEndpoints>()
        .AddMetricsEndpoint();

    /// <summary>Everything that the public listener answers; the last thing in the pipeline.</summary>
    public static void MapHttp(this IApplicationBuilder app)
    {
        var metrics = app.BuildMetrics();
        var endpoints = app.ApplicationServices.GetRequiredService<PublicEndpoints>();
        app.Run(context =>
        {
            context.Features.Get<KestrelConnection>()?.FinishHandshake();

            // One connection, one request: an open connection is a client's, a peer's, or about to become one.
            context.Response.Headers.Connection = "close";
            return endpoints.HandleAsync(context, metrics);
        });
    }
}
