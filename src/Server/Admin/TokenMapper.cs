using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;

namespace Relay.Admin;

/// <summary>Tokens as the admin service makes, shows and takes them back.</summary>
internal sealed partial class TokenMapper(TokenStore tokens, TimeProvider time, ILogger<TokenMapper> logger)
{
    private const int MaxName = 64;
    private const int MaxReason = 256;
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan MinLifetime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(3650);

    public CreateTokenResponse Create(CreateTokenRequest request, AdminCaller caller)
    {
        var lifetime = Check(request);
        try
        {
            var problem = tokens.Create(request.Name, (AdminRole)request.Role, lifetime, out var token, out var text);
            if (problem != TokenProblem.None)
            {
                throw Refusal(problem, request.Name);
            }

            caller.Changed(null, Described(token!));
            Log.Made(logger, caller.Who, token!.Name, token.Id, token.Role.Word());
            return new CreateTokenResponse { Token = text, Info = Row(token) };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotSaved(exception);
        }
    }

    public ListTokensResponse List(ListTokensRequest request)
    {
        var page = new Page(request.PageSize, request.PageToken, "tokens");
        page.ThrowIfWrong();
        var rows = tokens.All;
        return new ListTokensResponse
        {
            Tokens = { page.Of(rows, (a, b) => (a.Created, a.Id).CompareTo((b.Created, b.Id))).Select(Row) },
            NextPageToken = page.NextToken(rows.Count),
            TotalSize = rows.Count,
        };
    }

    public RevokeTokenResponse Revoke(RevokeTokenRequest request, AdminCaller caller)
    {
        if (request.Reason.Length > MaxReason)
        {
            throw AdminErrors.Invalid(("reason", $"{request.Reason.Length} characters; at most {MaxReason}"));
        }

        try
        {
            var token = tokens.Revoke(request.Id)
                ?? throw new RpcException(new Grpc.Core.Status(StatusCode.NotFound, $"there is no token '{request.Id}'; `relayctl token list` shows their ids"));
            caller.Changed(Described(token), null);
            Log.Revoked(logger, caller.Who, token.Name, token.Id);
            return new RevokeTokenResponse { Info = Row(token) };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotSaved(exception);
        }
    }

    private static TimeSpan Check(CreateTokenRequest request)
    {
        var violations = new List<(string, string)>();
        if (request.Name.Length is 0 or > MaxName || request.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '@')))
        {
            violations.Add(("name", $"1 to {MaxName} letters, digits, '-', '_', '.' or '@'"));
        }

        if (request.Role is not (Role.Read or Role.Operate or Role.Admin))
        {
            violations.Add(("role", $"give {AdminRoles.Words}"));
        }

        var given = request.Lifetime ?? Duration.FromTimeSpan(DefaultLifetime);
        var lifetime = TimeSpan.FromSeconds(Math.Clamp(given.Seconds, 0, long.MaxValue / TimeSpan.TicksPerSecond / 2));
        if (lifetime < MinLifetime || lifetime > MaxLifetime)
        {
            violations.Add(("lifetime", $"{given.Seconds} s is not in 1 minute to 3650 days"));
        }

        if (request.Reason.Length > MaxReason)
        {
            violations.Add(("reason", $"{request.Reason.Length} characters; at most {MaxReason}"));
        }

        return violations.Count > 0 ? throw AdminErrors.Invalid(violations) : lifetime;
    }

    private static RpcException Refusal(TokenProblem problem, string name) => new(problem == TokenProblem.NameTaken
        ? new Grpc.Core.Status(StatusCode.AlreadyExists, $"there is a valid token called {name}; revoke it, or take another name")
        : new Grpc.Core.Status(StatusCode.ResourceExhausted, $"there are {TokenStore.MaxTokens} tokens; revoke some"));

    private static RpcException NotSaved(Exception exception) =>
        new(new Grpc.Core.Status(StatusCode.Internal, $"nothing has changed, for the token file could not be written: {exception.Message}"));

    private static string Described(AdminToken token) => $"{token} role={token.Role.Word()} expires={token.Expires.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}";

    private AccessToken Row(AdminToken token) => new()
    {
        Id = token.Id,
        Name = token.Name,
        Role = (Role)token.Role,
        CreatedAt = Timestamp.FromDateTimeOffset(token.Created),
        ExpiresAt = Timestamp.FromDateTimeOffset(token.Expires),
        LastUsed = token.LastUsed is { } used ? Timestamp.FromDateTimeOffset(used) : null,
        Expired = token.HasExpired(time.GetUtcNow()),
    };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Who} made the token {Name} ({Id}) with the role {Role}")]
        public static partial void Made(ILogger logger, string who, string name, string id, string role);

        [LoggerMessage(2, LogLevel.Information, "{Who} revoked the token {Name} ({Id})")]
        public static partial void Revoked(ILogger logger, string who, string name, string id);
    }
}
