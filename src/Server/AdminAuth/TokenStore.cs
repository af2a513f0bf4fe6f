using System.Globalization;

namespace Relay.AdminAuth;

/// <summary>Why a token was not made.</summary>
internal enum TokenProblem
{
    None,
    NameTaken,
    TooMany,
}

/// <summary>The tokens that are valid, and recently expired ones, kept for information.</summary>
internal sealed partial class TokenStore(AdminOptions options, TimeProvider time, ILogger<TokenStore> logger) : IHostedService
{
    /// <summary>Tokens in the file. Far more than people and programs that one relay has.</summary>
    public const int MaxTokens = 1000;

    private static readonly TimeSpan Remembered = TimeSpan.FromDays(30);

    // Held while the file is written: who waits is another operator. Readers do not take it.
    private readonly Lock _writers = new();

    // Replaced whole.
    private volatile IReadOnlyDictionary<string, AdminToken> _tokens = new Dictionary<string, AdminToken>();

    public IReadOnlyCollection<AdminToken> All => [.. _tokens.Values];

    /// <summary>A file that cannot be used stops the start.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Load();
        return Task.CompletedTask;
    }

    /// <summary>Takes what the file holds now; true: that is different. Throws <see cref="InvalidDataException"/> when it cannot be used, and then the tokens stay as they are.</summary>
    public bool Load()
    {
        lock (_writers)
        {
            // A token that is as it was stays the same object: calls that go on hold on to it, and it knows when it was used.
            var next = ById(TokenFile.Load(options.TokenFile).Select(token => _tokens.TryGetValue(token.Id, out var known) && known.IsSame(token) ? known : token));
            var differs = next.Count != _tokens.Count || next.Values.Any(token => !_tokens.TryGetValue(token.Id, out var known) || !ReferenceEquals(known, token));
            _tokens = next;
            return differs;
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Makes a token and gives its text, this once. Throws as files do when it cannot be kept; then there is no such token.</summary>
    public TokenProblem Create(string name, AdminRole role, TimeSpan lifetime, out AdminToken? token, out string text)
    {
        (token, text) = (null, "");
        lock (_writers)
        {
            var now = time.GetUtcNow();
            var kept = _tokens.Values.Where(old => now - old.Expires < Remembered).ToList();
            if (kept.Any(old => old.Name == name && !old.HasExpired(now)))
            {
                return TokenProblem.NameTaken;
            }

            if (kept.Count >= MaxTokens)
            {
                return TokenProblem.TooMany;
            }

            do
            {
                (token, text) = AdminToken.Create(name, role, now, lifetime);
            }
            while (_tokens.ContainsKey(token.Id));

            kept.Add(token);
            Replace(kept);
            return TokenProblem.None;
        }
    }

    /// <summary>From its return on the token is no longer valid, not even for a stream that runs. Null: there is none with this id.</summary>
    public AdminToken? Revoke(string id)
    {
        lock (_writers)
        {
            if (!_tokens.TryGetValue(id, out var token))
            {
                return null;
            }

            Replace(_tokens.Values.Where(other => other.Id != id));
            return token;
        }
    }

    /// <summary>The token that the text is; otherwise what is wrong with it, in a sentence.</summary>
    public AdminToken? Find(string text, out string? problem)
    {
        if (AdminToken.IdIn(text) is not { } id)
        {
            problem = "this is not a relay token; it may be truncated";
            return null;
        }

        if (!_tokens.TryGetValue(id, out var token) || !token.Is(text))
        {
            problem = "the relay does not know this token; it was revoked, or belongs to another relay";
            return null;
        }

        var now = time.GetUtcNow();
        problem = token.HasExpired(now)
            ? string.Create(CultureInfo.InvariantCulture, $"the {token} expired on {token.Expires:yyyy-MM-dd HH:mm} UTC; create a new one with `relayctl token create`")
            : null;
        if (problem is not null)
        {
            return null;
        }

        if (token.TryUse(now))
        {
            RememberUse();
        }

        return token;
    }

    /// <summary>Neither revoked nor expired.</summary>
    public bool IsValid(AdminToken token) =>
        _tokens.TryGetValue(token.Id, out var known) && ReferenceEquals(known, token) && !token.HasExpired(time.GetUtcNow());

    private static Dictionary<string, AdminToken> ById(IEnumerable<AdminToken> tokens) => tokens.ToDictionary(token => token.Id);

    private void Replace(IEnumerable<AdminToken> tokens)
    {
        var next = ById(tokens);
        TokenFile.Save(options.TokenFile, next.Values);
        _tokens = next;
    }

    private void RememberUse()
    {
        try
        {
            lock (_writers)
            {
                TokenFile.Save(options.TokenFile, _tokens.Values);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // When it was used is worth knowing, but no reason to reject an operator.
            Log.UseNotSaved(logger, options.TokenFile, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The token file {File} could not be written, so the last use of a token is not in it: {Problem}")]
        public static partial void UseNotSaved(ILogger logger, string file, string problem);
    }
}
