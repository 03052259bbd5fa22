"""The JSON of iMIS: .NET type tags first, collections in `$values`, wrapped scalars in property bags."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from cordpair.emulator.imis_query import Value
from cordpair.emulator.imis_store import ORGANIZATION, Activity, Party
from cordpair.emulator.members import Phone

Json = dict[str, object]


@dataclass(frozen=True)
class Shapes:
    """Writes one installation's JSON. `old` names the assemblies of iMIS 2017, else those of iMIS EMS."""

    old: bool = False

    @property
    def core_assembly(self) -> str:
        return "Asi.Soa.Core.Contracts" if self.old else "Asi.Contracts"

    def core(self, name: str) -> str:
        return f"Asi.Soa.Core.DataContracts.{name}, {self.core_assembly}"

    def membership(self, name: str) -> str:
        assembly = "Asi.Soa.Membership.Contracts" if self.old else "Asi.Contracts"
        return f"Asi.Soa.Membership.DataContracts.{name}, {assembly}"

    def party(self, party: Party) -> Json:
        """PersonData or OrganizationData. A party without an address has one empty entry all the same."""
        organization = party.kind == ORGANIZATION
        shape: Json = {
            "$type": self.membership("OrganizationData" if organization else "PersonData"),
            "PartyId": party.id,
            "Id": party.id,
            "UniformId": str(uuid5(NAMESPACE_OID, party.id)),
            "Name": party.name,
            "Status": {"$type": self.membership("PartyStatusData"), "PartyStatusId": "A", "Name": "Active"},
            "IsMarkedForDelete": party.marked_for_delete,
            "Phones": self._phones(party.phones),
            "Emails": self._collection("EmailData", [self._email(party)] if party.email else []),
            "Addresses": self._collection("FullAddressData", [self._address(party)]),
            "AdditionalAttributes": self.bag([("CustomerTypeCode", "M"), ("JoinDate", None), ("IsStaff", False)]),
            "UpdateInformation": {
                "$type": self.membership("UpdateInformationData"),
                "CreatedBy": "SYSTEM",
                "CreatedOn": "2019-03-07T00:00:00",
                "UpdatedBy": "SYSTEM",
                "UpdatedOn": _date(party.updated_on),
            },
        }
        return shape | (self._organization(party) if organization else self._person(party))

    def summary(self, party: Party) -> Json:
        """PartySummaryData: one number only."""
        return {
            "$type": self.membership("PartySummaryData"),
            "PartyId": party.id,
            "Id": party.id,
            "Name": party.name,
            "Email": party.email,
            "Phone": party.phones[0].raw if party.phones else "",
            "CityName": party.city,
            "CountryName": {"DE": "Germany", "GB": "United Kingdom"}.get(party.region, ""),
        }

    def activity(self, activity: Activity, spelled: Callable[[str], str] = str) -> Json:
        return {
            "$type": self.core("GenericEntityData"),
            "EntityTypeName": "Activity",
            "PrimaryParentEntityTypeName": "Party",
            "Identity": self.identity("Activity", str(activity["SEQN"])),
            "PrimaryParentIdentity": self.identity("Party", str(activity["PartyId"])),
            "Properties": self.bag((spelled(name), value) for name, value in activity.items()),
        }

    def row(self, columns: Iterable[tuple[str, Value | None]]) -> Json:
        """A row of a saved query in the older form."""
        return {"$type": self.core("GenericEntityData"), "EntityTypeName": "", "Properties": self.bag(columns)}

    def bag(self, values: Iterable[tuple[str, Value | None]]) -> Json:
        """GenericPropertyDataCollection: strings bare, other scalars wrapped, null has no `Value` at all."""
        entries = []
        for name, value in values:
            entry: Json = {"$type": self.core("GenericPropertyData"), "Name": name}
            entries.append(entry if value is None else entry | {"Value": _scalar(value)})
        return {"$type": self.core("GenericPropertyDataCollection"), "$values": entries}

    def page(self, items: Sequence[Json], *, offset: int, limit: int, total: int, item: str) -> Json:
        following = offset + len(items)
        core, more = self.core_assembly, following < total
        return {
            "$type": f"Asi.Soa.Core.DataContracts.PagedResult`1[[{item}]], {core}",
            "Items": {"$type": f"System.Collections.Generic.List`1[[{item}]], mscorlib", "$values": list(items)},
            "Offset": offset,
            "Limit": limit,
            "Count": len(items),
            "TotalCount": total,
            "NextPageLink": None,
            "HasNext": more,
            "NextOffset": following if more else 0,
        }

    def refusal(self, messages: Sequence[str]) -> Json:
        """ValidationResultsData."""
        error = self.core("ValidationResultData")
        return {
            "$type": self.core("ValidationResultsData"),
            "Errors": {
                "$type": self.core("ValidationResultDataCollection"),
                "$values": [{"$type": error, "Message": message} for message in messages],
            },
            "Warnings": {"$type": self.core("ValidationResultDataCollection"), "$values": []},
        }

    def _person(self, party: Party) -> Json:
        return {
            "PersonName": {
                "$type": self.membership("PersonNameData"),
                "FirstName": party.first_name,
                "InformalName": party.first_name,
                "LastName": party.last_name,
                "FullName": party.name,
            },
            "PrimaryOrganization": {
                "$type": self.membership("PrimaryOrganizationInformationData"),
                "OrganizationPartyId": party.organization,
                "Name": party.company,
            },
        }

    def _organization(self, party: Party) -> Json:
        return {"OrganizationName": party.company}

    def _phones(self, phones: Sequence[Phone]) -> Json:
        entries = [phone for phone in phones if phone.where == "phones"]
        return self._collection(
            "PhoneData",
            [
                {"$type": self.membership("PhoneData"), "Number": phone.raw, "PhoneType": phone.type}
                for phone in entries
            ],
        )

    def _email(self, party: Party) -> Json:
        kind = self.membership("EmailData")
        return {"$type": kind, "Address": party.email, "EmailType": "_Primary", "IsPrimary": True}

    def _address(self, party: Party) -> Json:
        phone = next((phone.raw for phone in party.phones if phone.where == "address"), "")
        if not party.city:
            return {"$type": self.membership("FullAddressData")}
        return {
            "$type": self.membership("FullAddressData"),
            "Address": {
                "$type": self.membership("AddressData"),
                "AddressLines": {"$type": self.membership("AddressLineDataCollection"), "$values": []},
                "CityName": party.city,
                "PostalCode": party.postal_code,
                "CountryCode": party.region,
                "CountryName": {"DE": "Germany", "GB": "United Kingdom"}.get(party.region, ""),
            },
            "AddressPurpose": "Address",
            "Phone": phone,
            "FullAddressId": party.id,
            "DisplayName": party.name,
        }

    def identity(self, entity: str, *elements: str) -> Json:
        return {
            "$type": self.core("IdentityData"),
            "EntityTypeName": entity,
            "IdentityElements": {
                "$type": "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib",
                "$values": list(elements),
            },
        }

    def _collection(self, item: str, entries: Sequence[Json]) -> Json:
        return {"$type": self.membership(f"{item}Collection"), "$values": list(entries)}


def _scalar(value: Value) -> object:
    match value:
        case bool():
            return {"$type": "System.Boolean", "$value": value}
        case int():
            return {"$type": "System.Int32", "$value": value}
        case Decimal():
            return {"$type": "System.Decimal", "$value": float(value)}
        case datetime():
            return {"$type": "System.DateTime", "$value": _date(value)}
        case _:
            return value


def _date(value: datetime) -> str:
    return value.isoformat(timespec="seconds")
