using System.Security.Claims;
using Grpc.Core;
using Microsoft.AspNetCore.Components.Authorization;
using Relay.AdminApi;
using Relay.AdminCli;
using Relay.Dashboard.Security;

namespace Relay.Dashboard.Live;

/// <summary>What one open page may ask: the session of its operator, the relay that he looks at, and his role there.</summary>
internal sealed class RelayAccess(AuthenticationStateProvider authentication, SessionStore sessions)
{
    private DashboardSession? _session;
    private RelayLink? _link;

    /// <summary>Another relay was chosen, or the role became known.</summary>
    public event Action? Changed;

    public DashboardSession Session => _session ?? throw new RelayProblem("You are logged out.", StatusCode.Cancelled);

    public IReadOnlyList<RelayLink> Relays => _session?.Relays ?? [];

    public RelayLink Link => _link ?? Session.Relays[0];

    /// <summary>Who the relay takes the operator for; null: not known yet, or the relay is too old to say.</summary>
    public Caller? Caller { get; private set; }

    /// <summary>What the page shows. The relay decides each call by itself, whatever is shown.</summary>
    public bool CanOperate => Caller?.Role is Role.Operate or Role.Admin;

    public bool CanAdmin => Caller?.Role is Role.Admin;

    /// <summary>False: nobody is logged in any more.</summary>
    public async Task<bool> OpenAsync()
    {
        var user = (await authentication.GetAuthenticationStateAsync()).User;
        _session = sessions.Find(user.FindFirstValue(SignIn.SessionClaim));
        return _session is not null;
    }

    public void Choose(string name)
    {
        if (Relays.FirstOrDefault(relay => relay.Name == name) is { } chosen && chosen != Link)
        {
            (_link, Caller) = (chosen, null);
            Changed?.Invoke();
        }
    }

    /// <summary>Asks the relay who we are; a token may have been given another role while it was away.</summary>
    public async Task IdentifyAsync(CancellationToken cancel)
    {
        var link = Link;
        Caller? caller = null;
        try
        {
            caller = await link.CallAsync((connection, options) => connection.Admin.GetCallerAsync(new GetCallerRequest(), options), cancel);
        }
        catch (RelayProblem problem) when (problem.Code == StatusCode.Unimplemented)
        {
            // An older relay: its role is not known, so nothing is offered that changes anything.
        }

        if (link == Link)
        {
            Caller = caller;
            Changed?.Invoke();
        }
    }

    /// <summary>One call with one answer to the chosen relay.</summary>
    /// <exception cref="RelayProblem">There was none; its message is for the operator.</exception>
    public Task<T> CallAsync<T>(Func<AdminConnection, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel = default) => Link.CallAsync(call, cancel);
}
