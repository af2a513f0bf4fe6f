using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Relay;
using Relay.Admin;
using Relay.AdminAuth;
using Relay.Configuration;

namespace Server.Tests.Fuzz;

/// <summary>
/// The whole way of an operator's call through the relay, from the request that HTTP/2 has read to the answer, without a socket:
/// authentication, authorization, reading the message, and the handler. The relay is built and not started.
/// </summary>
internal sealed class AdminPipeline
{
    private static readonly Lazy<AdminPipeline> Built = new(() => new AdminPipeline());

    private readonly ConcurrentQueue<string> _errors = [];
    private readonly WebApplication _app;
    private readonly RequestDelegate _run;
    private readonly AdminOptions _options = new() { FailuresPerMinute = 100_000 };
    private readonly Dictionary<string, AdminHandler> _handlers;

    private AdminPipeline()
    {
        var settings = new RelaySettings();
        var folder = Directory.CreateTempSubdirectory("relay-fuzz-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        settings.Admission.PolicyFile = settings.Audit.File = "";
        settings.Identity.KeyFile = Path.Combine(folder, "server.key");
        settings.Storage.File = Path.Combine(folder, "relay.db");
        settings.Admin.Socket = Path.Combine(folder, "admin.sock");
        settings.Admin.TokenFile = Path.Combine(folder, "tokens.json");
        settings.Admin.FailuresPerMinute = _options.FailuresPerMinute;
        _app = RelayProgram.Build(settings, services => services.AddLogging(logging => logging.ClearProviders().AddProvider(new Errors(_errors))));
        _run = ((IApplicationBuilder)_app).Build();
        var tokens = _app.Services.GetRequiredService<TokenStore>();
        tokens.Create("reader", AdminRole.Read, TimeSpan.FromDays(1), out _, out var reader);
        tokens.Create("operator", AdminRole.Operate, TimeSpan.FromDays(1), out _, out var operate);
        (Reader, Operator) = (reader, operate);
        _handlers = new[] { typeof(AdminService), typeof(PolicyService), typeof(DecisionService), typeof(ConnectionService), typeof(ClusterService), typeof(ConfigurationService), typeof(HistoryService) }
            .SelectMany(service => AdminHandler.Of(ActivatorUtilities.CreateInstance(_app.Services, service)))
            .ToDictionary(handler => handler.Name);
    }

    public static AdminPipeline Instance => Built.Value;

    /// <summary>A token with the right to look.</summary>
    public string Reader { get; }

    /// <summary>A token with the right to change the policy.</summary>
    public string Operator { get; }

    /// <summary>Reads a message and hands it to its handler, without what stands before them; the gRPC status, and -2 where it is no message.</summary>
    public int Handle(string method, byte[] message) => _handlers[method].Handle(message, new AdminConnection(
        new DefaultConnectionContext { RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 4711) }, AdminTransport.Tcp, _options, TimeProvider.System));

    /// <summary>Calls a method, and gives the gRPC status; -1 where the answer is none of gRPC.</summary>
    /// <param name="path">"/relay.admin.v1.AdminService/GetStats", or any other.</param>
    /// <param name="authorization">The header; null: none.</param>
    /// <param name="body">As it came.</param>
    /// <param name="address">The caller's.</param>
    public int Call(string path, string? authorization, byte[] body, IPAddress address)
    {
        using var scope = _app.Services.CreateScope();
        var context = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        var trailers = new TrailersFeature();
        context.Features.Set<IHttpResponseTrailersFeature>(trailers);
        context.Features.Set(new AdminConnection(
            new DefaultConnectionContext { RemoteEndPoint = new IPEndPoint(address, 4711) }, AdminTransport.Tcp, _options, TimeProvider.System));
        context.Request.Protocol = "HTTP/2";
        context.Request.Method = "POST";
        context.Request.Path = path;
        context.Request.ContentType = "application/grpc";
        context.Request.Body = new MemoryStream(body);
        context.Request.Headers.Authorization = authorization;
        context.Response.Body = new MemoryStream();
        _run(context).GetAwaiter().GetResult();
        if (_errors.TryDequeue(out var error))
        {
            throw new InvalidOperationException($"logged: {error}");
        }

        var status = trailers.Trailers["grpc-status"].Concat(context.Response.Headers["grpc-status"]).FirstOrDefault();
        return status is null ? -1 : int.Parse(status, CultureInfo.InvariantCulture);
    }

    private sealed class TrailersFeature : IHttpResponseTrailersFeature
    {
        public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();
    }

    private sealed class Errors(ConcurrentQueue<string> errors) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                errors.Enqueue($"{formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
        }
    }
}
