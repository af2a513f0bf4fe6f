using Grpc.Health.V1;
using Relay.Access;
using Relay.AdminApi;

namespace Server.Tests.Access;

public sealed class MethodRolesTests
{
    private static readonly string[] Reflection =
    [
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];

    [Fact]
    public void Table_EveryServiceThatAnswers_HasExactlyItsMethods()
    {
        var methods = new[] { AdminService.Descriptor, PolicyService.Descriptor, Health.Descriptor }
            .SelectMany(service => service.Methods.Select(method => $"/{service.FullName}/{method.Name}"))
            .Concat(Reflection);

        Assert.Equal(methods.Order(), MethodRoles.Methods.Order());
    }

    [Theory]
    [InlineData("/relay.admin.v1.AdminService/GetStats", "Read")]
    [InlineData("/relay.admin.v1.AdminService/ListAudit", "Read")]
    [InlineData("/relay.admin.v1.AdminService/SetLimits", "Operate")]
    [InlineData("/relay.admin.v1.AdminService/NoSuchMethod", "Admin")]
    [InlineData("/relay.admin.v1.AdminService/getstats", "Admin")]
    [InlineData("/other.Service/GetStats", "Admin")]
    [InlineData("", "Admin")]
    public void Needed_OfAMethod_IsItsRoleAndOfAnUnknownOneTheStrictest(string method, string role) =>
        Assert.Equal(role, MethodRoles.Needed(method).ToString());

    [Theory]
    [InlineData("read", "Read")]
    [InlineData("operate", "Operate")]
    [InlineData("admin", "Admin")]
    [InlineData("none", null)]
    [InlineData("Admin", null)]
    [InlineData("1", null)]
    [InlineData("", null)]
    public void TryParse_AWord_IsARoleOnlyAsItIsWritten(string word, string? role)
    {
        Assert.Equal(role is not null, AdminRoles.TryParse(word, out var parsed));
        Assert.Equal(role ?? "None", parsed.ToString());
        Assert.Equal(role is null ? "none" : word, parsed.Word());
    }
}
